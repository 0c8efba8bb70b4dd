import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { accepts } from '@tidings/testkit/accepts'
import { defer } from '@tidings/testkit/disposers'
import { freePort } from '@tidings/testkit/free-port'
import { until } from '@tidings/testkit/until'

/** Starts nginx (scripts/install-by-apt.sh) as a reverse proxy of the port, stopped after the test. Resolves to its port. */
export async function startNginx(
  upstreamPort: number,
  { buffering, keepAlive }: { buffering: boolean; keepAlive: boolean },
): Promise<number> {
  const port = await freePort()
  const directory = mkdtempSync(join(tmpdir(), 'tidings-nginx-'))
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  const upgrade = keepAlive ? 'proxy_http_version 1.1; proxy_set_header Connection "";' : ''
  writeFileSync(
    join(directory, 'nginx.conf'),
    `daemon off;
     master_process off;
     pid ${directory}/pid;
     error_log stderr;
     events {}
     http {
       access_log off;
       ${paths.map((path) => `${path}_temp_path ${directory}/${path};`).join('\n')}
       upstream tidings { server 127.0.0.1:${upstreamPort}; ${keepAlive ? 'keepalive 8;' : ''} }
       server {
         listen 127.0.0.1:${port};
         location / {
           proxy_pass http://tidings;
           proxy_set_header Host $http_host;
           proxy_buffering ${buffering ? 'on' : 'off'};
           ${upgrade}
         }
       }
     }`,
  )
  const nginx = spawn('nginx', ['-e', 'stderr', '-p', directory, '-c', 'nginx.conf'])
  let said = ''
  nginx.stderr.on('data', (text) => (said += text))
  defer(nginx, async () => {
    await stop(nginx)
    rmSync(directory, { recursive: true })
  })
  await once(nginx, 'spawn')
  await until(
    () => {
      if (nginx.exitCode !== null) throw new Error(`nginx does not start: ${said}`)
      return accepts(port)
    },
    () => `nginx does not listen: ${said}`,
  )
  return port
}

async function stop(nginx: ChildProcess): Promise<void> {
  if (nginx.exitCode !== null || !nginx.kill('SIGKILL')) return
  await once(nginx, 'exit')
}
