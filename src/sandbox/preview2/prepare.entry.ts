/**
 * Transpiles the component that comes on standard input, for the cache: `node prepare.js WAITS`. It is a process of its own
 * because the bytes are a stranger's: it has no rights to anything (prepare.ts), and says no more than its result.
 */
import { writeSync } from 'node:fs'
import { buffer } from 'node:stream/consumers'
import { serialize } from 'node:v8'
import { transpile } from './transpile.ts'

async function main([waits]: readonly string[]): Promise<void> {
  const bytes = await buffer(process.stdin)
  const made = serialize(await transpile({ name: '', entry: '', bytes }, { suspends: waits === 'suspended' }))
  for (let at = 0; at < made.length; ) at += writeSync(1, made, at)
}

main(process.argv.slice(2)).catch(() => {
  process.exitCode = 1
})
