/** The characters of a URI up to which its spellings are looked at: those of a whole message would take a second. */
const maxLength = 65_536

const irregular = /%|[^!-~]|["<>\\^`{|}]/
const irregularParts = /%[0-9A-Fa-f]{2}|[^!-~\p{Cs}]+|["%<>\\^`{|}]/gu
const escapedUnreserved = /^%(?:2[DE]|3\d|4[1-9A-F]|5[0-9AF]|6[1-9A-F]|7[0-9AE])$/

/**
 * The one spelling that stands for all percent-encodings of a URI: characters that a URI cannot hold are encoded,
 * characters that need no encoding are not, and the digits of an encoding are in upper case. `note:///a b` and
 * `note:///%61%20b` both become `note:///a%20b`. An encoded delimiter (`%2F`) stays different from the delimiter. A URI of more
 * than 65,536 characters stays as it is.
 *
 * @see https://www.rfc-editor.org/rfc/rfc3986#section-6.2.2
 */
export function normalUri(uri: string): string {
  return uri.length <= maxLength && irregular.test(uri) ? uri.replace(irregularParts, normalPart) : uri
}

function normalPart(part: string): string {
  if (part[0] !== '%' || part.length === 1) return encodeURIComponent(part)
  const escape = part.toUpperCase()
  return escapedUnreserved.test(escape) ? decodeURIComponent(escape) : escape
}
