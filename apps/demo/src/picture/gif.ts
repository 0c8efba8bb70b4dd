import gifenc from 'gifenc'
import { PNG } from 'pngjs'

const { applyPalette, GIFEncoder, quantize } = gifenc

/** A screenshot, and how long it is shown. */
export interface Frame {
  png: Buffer
  ms: number
}

const colors = 255
const unchanged = colors // the index after the last colour is transparent

/** Makes an animated GIF that repeats. A frame holds only the pixels that changed since the one before. */
export function encodeGif(frames: Frame[]): Uint8Array {
  const gif = GIFEncoder()
  const images = frames.map(({ png }) => PNG.sync.read(png))
  const palette = quantize(sampleOf(images), colors)
  let before: Uint8Array | undefined
  images.forEach(({ data, width, height }, index) => {
    const pixels = applyPalette(data, palette)
    const shown = before ? changesBetween(before, pixels) : pixels
    before = pixels
    gif.writeFrame(shown, width, height, {
      ...(index === 0 && { palette: [...palette, [0, 0, 0]] }),
      delay: frames[index]?.ms ?? 0,
      transparent: index > 0,
      transparentIndex: unchanged,
      dispose: 1,
    })
  })
  gif.finish()
  return gif.bytes()
}

/** The pixels of a few images, from which the common palette is made. */
function sampleOf(images: PNG[]): Uint8Array {
  const chosen = [0, 1 / 3, 2 / 3, 1].map((part) => images[Math.round(part * (images.length - 1))]?.data)
  return Buffer.concat(chosen.filter((data) => data !== undefined))
}

function changesBetween(before: Uint8Array, now: Uint8Array): Uint8Array {
  return now.map((color, index) => (color === before[index] ? unchanged : color))
}
