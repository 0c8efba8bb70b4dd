/** Several mails as one value: each behind its length, in four bytes. */
export function packMail(mails: readonly Uint8Array[]): Buffer {
  const pack = Buffer.allocUnsafe(mails.reduce((bytes, { byteLength }) => bytes + 4 + byteLength, 0))
  let at = 0
  for (const mail of mails) {
    at = pack.writeUInt32LE(mail.byteLength, at)
    pack.set(mail, at)
    at += mail.byteLength
  }
  return pack
}

/** @throws {RangeError} when the value is not one of `packMail`. */
export function unpackMail(pack: Buffer): Buffer[] {
  const mails: Buffer[] = []
  for (let at = 0; at < pack.length;) {
    const end = at + 4 + pack.readUInt32LE(at)
    if (end > pack.length)
      throw new RangeError(`Mail of ${end - at - 4} bytes is cut off after ${pack.length - at - 4}`)
    mails.push(pack.subarray(at + 4, end))
    at = end
  }
  return mails
}
