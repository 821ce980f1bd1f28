/** `node cli-child.ts OPTIONS.json`: starts a container as a command would, says so, and waits for its end; to be killed at will. */
import { readFileSync } from 'node:fs'
import { startSupervisor } from '../../src/linux/supervisor.ts'

const [file = ''] = process.argv.slice(2)
const supervisor = await startSupervisor(JSON.parse(readFileSync(file, 'utf8')))
process.stdout.write(`${JSON.stringify({ supervisor: supervisor.supervisor, container: supervisor.container })}\n`)
supervisor.stdio.resume()
await supervisor.wait()
