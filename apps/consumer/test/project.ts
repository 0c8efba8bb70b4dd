import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import ts from 'typescript'

const run = promisify(execFile)
const root = new URL('../../..', import.meta.url).pathname
const packages = ['protocol', 'server', 'client']

/** An empty project in which the packed packages have been installed from their tarballs. */
export class Project {
  readonly folder: string
  readonly #running = new Set<ChildProcess>()

  constructor(folder: string) {
    this.folder = folder
  }

  static async create(): Promise<Project> {
    const folder = await mkdtemp(join(tmpdir(), 'tidings-consumer-'))
    for (const name of packages) {
      await run('npx', ['-y', 'pnpm@12.21.0', 'pack', '--pack-destination', folder], {
        cwd: join(root, 'packages', name),
      })
    }
    const tarballs = (await readdir(folder)).filter((file) => file.endsWith('.tgz'))
    const manifest = {
      private: true,
      // The packages ask for each other by version: they are to get each other, not what a registry has.
      overrides: Object.fromEntries(tarballs.map((file) => [nameOf(file), `file:./${file}`])),
      dependencies: {
        ...Object.fromEntries(tarballs.map((file) => [nameOf(file), `file:./${file}`])),
        koa: '^3.3.0',
        zod: '^4.2.0',
      },
      devDependencies: { '@types/node': '^20', '@types/koa': '^3' },
    }
    await writeFile(join(folder, 'package.json'), JSON.stringify(manifest))
    await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline'], { cwd: folder })
    return new Project(folder)
  }

  write(file: string, text: string): Promise<void> {
    return writeFile(join(this.folder, file), text)
  }

  /** Type-checks files as a project of theirs would, the packages' own declarations included. */
  typeErrors(files: string[]): string[] {
    return ts.getPreEmitDiagnostics(this.#program(files)).map(({ file, start, messageText }) => {
      const line = file && start !== undefined ? file.getLineAndCharacterOfPosition(start).line + 1 : 0
      return `${file?.fileName.replace(this.folder, '.') ?? ''}:${line}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`
    })
  }

  /** How many types the compiler makes to check a file: the instantiations of `tsc --extendedDiagnostics`. */
  instantiations(file: string): number {
    const program = this.#program([file], { skipLibCheck: true })
    const problems = ts.getPreEmitDiagnostics(program)
    if (problems.length > 0) throw new Error(`${file}: ${JSON.stringify(problems[0]!.messageText)}`)
    return program.getInstantiationCount()
  }

  #program(files: string[], options: ts.CompilerOptions = {}): ts.Program {
    return ts.createProgram({
      rootNames: files.map((file) => join(this.folder, file)),
      options: {
        target: ts.ScriptTarget.ES2022,
        lib: [
          'lib.es2023.d.ts',
          'lib.dom.d.ts',
          'lib.dom.iterable.d.ts',
          'lib.dom.asynciterable.d.ts',
          'lib.esnext.disposable.d.ts',
        ],
        module: ts.ModuleKind.NodeNext,
        moduleResolution: ts.ModuleResolutionKind.NodeNext,
        strict: true,
        noEmit: true,
        skipLibCheck: false,
        types: ['node'],
        typeRoots: [join(this.folder, 'node_modules', '@types')],
        ...options,
      },
    })
  }

  /** Runs a file to its end and gives what it printed. A failure holds what it wrote on stderr. */
  async node(file: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
    const { stdout } = await run('node', [file], {
      cwd: this.folder,
      env: { ...process.env, ...env },
      timeout: 30_000,
    })
    return stdout
  }

  /** Starts a server and waits until its port is open. */
  async serve(file: string, port: number): Promise<void> {
    const child = spawn('node', [file], { cwd: this.folder, stdio: ['ignore', 'ignore', 'pipe'] })
    this.#running.add(child)
    let errors = ''
    child.stderr.on('data', (text: Buffer) => (errors += text.toString()))
    while (!(await isOpen(port))) {
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`${file} ended before it served: ${errors}`)
      await new Promise(setImmediate)
    }
  }

  /** Stops the servers that are running. */
  async stop(): Promise<void> {
    for (const child of this.#running) {
      this.#running.delete(child)
      child.kill()
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    }
  }

  async dispose(): Promise<void> {
    await this.stop()
    await rm(this.folder, { recursive: true })
  }
}

/** TypeScript without its types. */
export function withoutTypes(text: string): string {
  return ts.transpile(text, {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    verbatimModuleSyntax: true,
  })
}

async function isOpen(port: number): Promise<boolean> {
  try {
    await fetch(`http://127.0.0.1:${port}/`)
    return true
  } catch {
    return false
  }
}

function nameOf(tarball: string): string {
  return tarball.replace(/^tidings-(\w+)-.*$/, '@tidings/$1')
}
