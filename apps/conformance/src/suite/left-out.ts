import type { Catalogue } from './catalogue.ts'

/** The scenarios that are not run, one by one: what the suite adds is run as soon as the suite is updated. */
export const leftOut = {
  server: [
    // The extension for tasks, which Tidings does not have.
    'tasks-lifecycle',
    'tasks-capability-negotiation',
    'tasks-wire-fields',
    'tasks-request-state-removal',
    'tasks-mrtr-input',
    'tasks-request-headers',
    'tasks-dispatch-and-envelope',
    'tasks-status-notifications',
    'tasks-required-task-error',
    'tasks-mrtr-composition',
    // The extension for skills, which Tidings does not have.
    'sep-2640-skills-directory',
    'sep-2640-skills-enumeration',
    'sep-2640-skills-manifest',
  ],
  client: [
    // Authorization, which the client does not have yet.
    'auth/metadata-default',
    'auth/metadata-var1',
    'auth/metadata-var2',
    'auth/metadata-var3',
    'auth/basic-cimd',
    'auth/scope-from-www-authenticate',
    'auth/scope-from-scopes-supported',
    'auth/scope-omitted-when-undefined',
    'auth/scope-step-up',
    'auth/scope-retry-limit',
    'auth/token-endpoint-auth-basic',
    'auth/token-endpoint-auth-post',
    'auth/token-endpoint-auth-none',
    'auth/pre-registration',
    'auth/2025-03-26-oauth-metadata-backcompat',
    'auth/2025-03-26-oauth-endpoint-fallback',
    'auth/resource-mismatch',
    'auth/offline-access-scope',
    'auth/offline-access-not-supported',
    'auth/authorization-server-migration',
    'auth/iss-supported',
    'auth/iss-not-advertised',
    'auth/iss-supported-missing',
    'auth/iss-wrong-issuer',
    'auth/iss-unexpected',
    'auth/iss-normalized',
    'auth/metadata-issuer-mismatch',
    'auth/client-credentials-jwt',
    'auth/client-credentials-basic',
    'auth/enterprise-managed-authorization',
    'auth/dpop',
    'auth/dpop-nonce',
    'auth/wif-jwt-bearer',
    // The extension for skills, which Tidings does not have.
    'sep-2640-client-no-prefetch',
    'sep-2640-client-verify-digest',
    'sep-2640-client-verify-size',
    'sep-2640-client-verify-frontmatter',
  ],
}

/**
 * The catalogue without what is left out.
 *
 * @throws {Error} a name that is left out is not in the catalogue (any more), or a scenario would never be run because it
 * belongs to no revision.
 */
export function withoutLeftOut(catalogue: Catalogue): Catalogue {
  for (const side of ['server', 'client'] as const) {
    const unknown = leftOut[side].filter((name) => !catalogue[side].has(name))
    if (unknown.length) throw new Error(`Left out, but not in the suite: ${unknown.join(', ')}`)
  }
  const rest: Catalogue = { server: new Map(), client: new Map() }
  for (const side of ['server', 'client'] as const) {
    for (const [name, revisions] of catalogue[side]) {
      if (leftOut[side].includes(name)) continue
      if (!revisions.some((revision) => /^\d/.test(revision))) {
        throw new Error(
          `The scenario ${name} of the suite belongs to no revision: leave it out by name, or run it`,
        )
      }
      rest[side].set(name, revisions)
    }
  }
  return rest
}
