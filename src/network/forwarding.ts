/**
 * The kernel passes packets on only where `ip_forward` says so. It is switched on when a network needs it, and put back
 * when the last of this host's networks is gone: of any data root, because they all need it.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { Database } from '../state/database.ts'

const FORWARD = '/proc/sys/net/ipv4/ip_forward'
/** The kernel sets these along with the switch. */
const ALONG = ['/proc/sys/net/ipv4/conf/all/accept_redirects', '/proc/sys/net/ipv6/conf/all/forwarding']

/** Remembers how it was before. Idempotent. */
export function needForwarding(database: Database, { ipv6 }: { readonly ipv6: boolean }): void {
  if (readSetting(FORWARD) === '0') {
    for (const path of [FORWARD, ...ALONG.slice(0, 1)]) remember(database, path)
    writeFileSync(FORWARD, '1')
  }
  const [, six = ''] = ALONG
  if (ipv6 && readSetting(six) === '0') {
    remember(database, six)
    writeFileSync(six, '1')
  }
}

function remember(database: Database, path: string): void {
  const before = readSetting(path)
  if (before === undefined) return
  database.prepare('INSERT OR IGNORE INTO host_settings (path, before) VALUES (?, ?)').run(path, before)
}

/** Idempotent; does nothing while a bridge of any installation is there. */
export function restoreForwarding(database: Database): void {
  const changed = database.prepare('SELECT path, before FROM host_settings ORDER BY path <> ?').all(FORWARD)
  if (changed.length === 0 || bridges().length > 0) return
  for (const { path, before } of changed) {
    writeFileSync(path as string, before as string)
    database.prepare('DELETE FROM host_settings WHERE path = ?').run(path as string)
  }
}

function bridges(): readonly string[] {
  return readdirSync('/sys/class/net').filter((name) => /^cb-[0-9a-f]{8}$/.test(name))
}

function readSetting(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return undefined // a kernel without version 6
  }
}
