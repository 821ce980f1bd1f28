/** Environment variables for one test. */
import { afterEach } from 'mocha'

const before = new Map<string, string | undefined>()

/** Sets variables until the current test ends; `undefined` takes one away. */
export function setEnvironment(values: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(values)) {
    if (!before.has(name)) before.set(name, process.env[name])
    assign(name, value)
  }
}

function assign(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name]
  else process.env[name] = value
}

afterEach(() => {
  for (const [name, value] of before) assign(name, value)
  before.clear()
})
