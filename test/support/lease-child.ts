/**
 * `node lease-child.ts DIRECTORY NETWORK PREFIX COUNT`: so many containers of one process join a network, once a byte
 * comes; prints what each of them got, an address or a code of an error.
 */
import { once } from 'node:events'
import { join } from 'node:path'
import { CoracleError } from '../../src/errors.ts'
import { joinNetworks } from '../../src/network/attach.ts'
import { openDatabase } from '../../src/state/database.ts'

const [directory = '', network = '', prefix = '', count = '0'] = process.argv.slice(2)
const paths = { root: join(directory, 'root'), run: join(directory, 'run') }
using database = openDatabase(join(paths.root, 'state.db'))
process.stdout.write('ready\n')
await once(process.stdin, 'data')
process.stdin.destroy()
for (let index = 0; index < Number(count); index += 1) {
  const name = `${prefix}-${index}`
  try {
    const [joined] = await joinNetworks({ paths, database }, { id: name, name }, [{ network, names: [name] }])
    process.stdout.write(`${joined?.endpoint.ipv4}\n`)
  } catch (error) {
    if (!(error instanceof CoracleError)) throw error
    process.stdout.write(`${error.code}\n`)
  }
}
