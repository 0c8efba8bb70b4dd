/** @type {import('esbuild').BuildOptions} The server and the terminal watcher; packages stay outside of them. */
export const programs = {
  entryPoints: ['src/server.ts', 'src/watch.ts', 'src/cluster.ts'],
  outdir: 'dist',
  platform: 'node',
  format: 'esm',
  target: 'node20',
  bundle: true,
  packages: 'external',
  sourcemap: true,
}

/** @type {import('esbuild').BuildOptions} The web page, with all it needs. */
export const page = {
  entryPoints: ['src/page/index.html', 'src/page/main.ts', 'src/page/style.css', 'src/page/icon.svg'],
  outdir: 'dist/page',
  platform: 'browser',
  format: 'esm',
  target: 'es2022',
  bundle: true,
  minify: true,
  legalComments: 'none',
  loader: { '.html': 'copy', '.svg': 'copy' },
}

/** @type {import('esbuild').BuildOptions} The program that takes the picture for the README. */
export const picture = { ...programs, entryPoints: ['src/picture/picture.ts'] }
