const longestName = 100

/**
 * What keeps `name` from being the name of a note, in words for whoever chose it; undefined when nothing does.
 * A note's name is its file's name without `.md`, so it must be one plain part of a path and nothing else.
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

/** The resource URI of a note: `note:///{name}`, with what RFC 6570 reserves percent-encoded. */
export function noteUri(name: string): string {
  const encoded = encodeURIComponent(name).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return `note:///${encoded}`
}
