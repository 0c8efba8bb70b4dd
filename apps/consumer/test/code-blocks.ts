import { readFile } from 'node:fs/promises'

const root = new URL('../../../', import.meta.url)

/** The fenced code blocks of a document that are in the language, in order. */
export async function codeBlocks(document: string, ...languages: string[]): Promise<string[]> {
  return (await fences(document)).flatMap(({ language, text }) =>
    languages.includes(language) ? [text] : [],
  )
}

/** All fenced blocks of a document. */
export async function fences(document: string): Promise<{ language: string; text: string }[]> {
  const markdown = await readFile(new URL(document, root), 'utf8')
  return [...markdown.matchAll(/^```(\w*)[^\n]*\n([\s\S]*?)^```$/gm)].map(([, language, text]) => ({
    language: language!,
    text: text!,
  }))
}
