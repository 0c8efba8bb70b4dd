import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import ts from 'typescript'

/**
 * The names that an entry of a package declares, one a line and sorted: each top-level declaration of its file and of the
 * files beside it that it imports and, as `Class.member`, the members of each exported class that are not private. A name
 * that no entry exports has `(not exported)` after it: it stands in the public types all the same.
 *
 * @param file the entry's declarations.
 * @param siblings those of the package's other entries, which may share files with it.
 */
export async function declaredNames(file: string, siblings: readonly string[] = []): Promise<string[]> {
  const { exported, declared, members } = await readDeclarations(file)
  const others = await Promise.all(siblings.map(readDeclarations))
  const inner = [...declared].filter(
    (name) => ![exported, ...others.map(({ exported }) => exported)].some((names) => names.has(name)),
  )
  return [
    ...[...exported].flatMap((name) => [
      name,
      ...(members.get(name) ?? []).map((member) => `${name}.${member}`),
    ]),
    ...inner.map((name) => `${name} (not exported)`),
  ].sort()
}

interface Declarations {
  exported: Set<string>
  declared: Set<string>
  /** The members of the classes. */
  members: Map<string, string[]>
}

async function readDeclarations(file: string): Promise<Declarations> {
  const exported = new Set<string>()
  const declared = new Set<string>()
  const members = new Map<string, string[]>()
  const files = [file]
  for (const path of files) {
    const source = ts.createSourceFile(path, await readFile(path, 'utf8'), ts.ScriptTarget.ES2022)
    for (const statement of source.statements) {
      const beside = fileBeside(statement, path)
      if (beside !== undefined && !files.includes(beside)) files.push(beside)
      // A file beside it exports under names of one letter, for the entries to import.
      if (path === file) for (const name of exportsOf(statement)) exported.add(name)
      for (const name of declarationsOf(statement)) declared.add(name)
      if (ts.isClassDeclaration(statement)) members.set(nameOf(statement), membersOf(statement))
    }
  }
  return { exported, declared, members }
}

/** The file of a relative import, such as `./parse-D2x9.js`. */
function fileBeside(statement: ts.Statement, path: string): string | undefined {
  if (!ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement)) return undefined
  const specifier = statement.moduleSpecifier
  if (specifier === undefined || !ts.isStringLiteral(specifier) || !specifier.text.startsWith('.'))
    return undefined
  return join(dirname(path), specifier.text.replace(/\.(c?)js$/, '.d.$1ts'))
}

function exportsOf(statement: ts.Statement): string[] {
  if (ts.isExportDeclaration(statement)) {
    const { exportClause } = statement
    if (exportClause === undefined) throw new Error(`No names in: ${statement.getText()}`)
    return ts.isNamedExports(exportClause)
      ? exportClause.elements.map(({ name }) => name.text)
      : [exportClause.name.text]
  }
  const isExported =
    ts.canHaveModifiers(statement) &&
    ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)
  return isExported ? declarationsOf(statement) : []
}

function declarationsOf(statement: ts.Statement): string[] {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.map(({ name }) => (name as ts.Identifier).text)
  }
  const isNamed =
    ts.isClassDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement) ||
    ts.isFunctionDeclaration(statement) ||
    ts.isEnumDeclaration(statement) ||
    ts.isModuleDeclaration(statement)
  return isNamed ? [nameOf(statement)] : []
}

function nameOf({ name }: { readonly name?: ts.Node | undefined }): string {
  return (name as ts.Identifier | undefined)?.text ?? 'default'
}

function membersOf({ members }: ts.ClassDeclaration): string[] {
  const names = members.flatMap((member) => {
    const isPrivate = ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Private
    if (member.name === undefined || isPrivate || ts.isPrivateIdentifier(member.name)) return []
    if (ts.isComputedPropertyName(member.name)) return [`[${expressionText(member.name.expression)}]`]
    return [(member.name as ts.Identifier).text]
  })
  return [...new Set(names)]
}

function expressionText(expression: ts.Expression): string {
  if (ts.isPropertyAccessExpression(expression)) {
    return `${expressionText(expression.expression)}.${expression.name.text}`
  }
  return (expression as ts.Identifier).text
}
