/** The network of this host as text, to compare before and after: links, addresses, routes, rules, settings. */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const SHOWN = [
  ['ip', '-d', '-o', 'link'],
  ['ip', '-o', 'address'],
  ['ip', 'route', 'show', 'table', 'all'],
  ['ip', '-6', 'route', 'show', 'table', 'all'],
  ['ip', 'rule'],
  ['nft', '--stateless', 'list', 'ruleset'],
] as const
const SETTINGS = ['/proc/sys/net/core', '/proc/sys/net/ipv4', '/proc/sys/net/ipv6']
/** What runs down by itself: the timers of other bridges, lifetimes of addresses and routes. */
const RESTLESS = /(?:valid|preferred)_lft \d+sec|expires \d+sec|timer +\d+\.\d+/g

export function hostNetwork(): string {
  const shown = SHOWN.map(([program, ...args]) => {
    const { stdout, error } = spawnSync(program, args, { encoding: 'utf8' })
    if (error !== undefined) throw error
    return `${[program, ...args].join(' ')}\n${stdout.replace(RESTLESS, '')}`
  })
  return [...shown, ...SETTINGS.flatMap(settings)].join('\n')
}

/** The lines of one that the other does not have, both ways: for messages of failed tests. */
export function difference(before: string, after: string): string {
  const [had, has] = [before.split('\n'), after.split('\n')]
  return [
    ...had.filter((line) => !has.includes(line)).map((line) => `- ${line}`),
    ...has.filter((line) => !had.includes(line)).map((line) => `+ ${line}`),
  ].join('\n')
}

function settings(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .sort()
    .map((path) => `${path} ${settingOf(path)}`)
}

function settingOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').trimEnd()
  } catch {
    return '' // only for writing, or not set, or gone with its link meanwhile
  }
}
