/** `node pull-child.ts ROOT REFERENCE`: one pull in a process of its own, for tests that kill it or run several. */
import { openTestStore } from './image-store.ts'

const [root = '', reference = ''] = process.argv.slice(2)
const { store, close } = openTestStore(root)
try {
  process.stdout.write(`${JSON.stringify(await store.pull(reference))}\n`)
} finally {
  close()
}
