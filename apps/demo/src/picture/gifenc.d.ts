// gifenc has no types of its own: these are the parts that are used.
declare module 'gifenc' {
  type Palette = [number, number, number][]

  interface FrameOptions {
    palette?: Palette
    /** How long the frame is shown, in milliseconds. */
    delay?: number
    transparent?: boolean
    transparentIndex?: number
    /** 1 leaves the frame in place under the next one. */
    dispose?: number
  }

  interface Encoder {
    writeFrame(index: Uint8Array, width: number, height: number, options?: FrameOptions): void
    finish(): void
    bytes(): Uint8Array
  }

  const gifenc: {
    GIFEncoder(this: void): Encoder
    quantize(this: void, rgba: Uint8Array, maxColors: number): Palette
    applyPalette(this: void, rgba: Uint8Array, palette: Palette): Uint8Array
  }
  export default gifenc
}
