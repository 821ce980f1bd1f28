/** Whether this user may make user namespaces here; without them an ordinary user has no containers of the kernel. */
import { readFileSync } from 'node:fs'

export function mayMakeUserNamespaces(): boolean {
  if (process.geteuid?.() === 0) return true
  return !hasLine('/proc/sys/kernel/unprivileged_userns_clone') && !hasLine('/proc/sys/user/max_user_namespaces')
}

/** A switch that is off. */
function hasLine(path: string): boolean {
  try {
    return /^0$/m.test(readFileSync(path, 'utf8'))
  } catch {
    return false // this kernel has no such switch
  }
}
