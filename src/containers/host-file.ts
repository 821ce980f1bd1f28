/** Files of the host that containers take lines over from. */
import { readFileSync } from 'node:fs'

/** Empty where the host has none: the container gets none of its lines. */
export function readHostFile(path: '/etc/hosts' | '/etc/resolv.conf'): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
