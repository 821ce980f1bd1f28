/** A directory that is by turns itself and a link: what a container that shares a volume can do to whoever walks there. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

const program = (link: string) => `
  const { renameSync } = require('node:fs')
  process.chdir(process.argv[1])
  process.stdout.write('swapping')
  for (;;) {
    renameSync('door', 'directory'); renameSync('${link}', 'door')
    renameSync('door', '${link}'); renameSync('directory', 'door')
  }`

/** While `act` runs, `door` in the directory changes places with the link beside it, thousands of times a second. */
export async function whileSwapped(directory: string, act: () => void, link = 'link'): Promise<void> {
  const swapper: ChildProcess = spawn(process.execPath, ['-e', program(link), directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    if (swapper.stdout !== null) await once(swapper.stdout, 'data')
    act()
  } finally {
    swapper.kill('SIGKILL')
    await once(swapper, 'exit')
  }
}
