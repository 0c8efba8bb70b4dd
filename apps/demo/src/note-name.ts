const longestName = 100

/**
 * The reason that `name` cannot be the name of a note, in words for the person who chose it. Undefined when it can.
 * A note's name is its file's name without `.md`, so it must be one plain part of a path.
 */
export function noteNameFault(name: string): string | undefined {
  if (name === '') return 'A note needs a name.'
  if (Buffer.byteLength(name) > longestName)
    return `A note's name has at most ${longestName} bytes, this one has ${Buffer.byteLength(name)}.`
  if (/[/\\]/.test(name))
    return `${JSON.stringify(name)} has a path separator: notes live in one folder, so name one without / and \\.`
  if (name.startsWith('.')) return `${JSON.stringify(name)} starts with a dot: use a name that does not.`
  if (/[\p{Cc}\p{Cs}]/u.test(name)) return `${JSON.stringify(name)} has control characters: leave them out.`
  if (/\.md$/i.test(name))
    return `Leave out the extension: ${JSON.stringify(name)} would be stored with .md twice.`
  return undefined
}

/** The resource URI of a note: `note:///{name}`, percent-encoded as RFC 6570 asks. */
export function noteUri(name: string): string {
  const encoded = encodeURIComponent(name).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return `note:///${encoded}`
}
