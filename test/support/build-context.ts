/** Build contexts on the disk. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** By path; a value that begins with `->` is a symbolic link. */
export type ContextFiles = Readonly<Record<string, string>>

/** A fresh directory below `parent`; the caller removes it. */
export function writeContext(
  parent: string,
  files: ContextFiles,
  modes: Readonly<Record<string, number>> = {},
): string {
  const root = mkdtempSync(join(parent, 'context-'))
  for (const [path, content] of Object.entries(files)) {
    const whole = join(root, path)
    mkdirSync(dirname(whole), { recursive: true })
    rmSync(whole, { force: true })
    if (content.startsWith('->')) symlinkSync(content.slice(2), whole)
    else writeFileSync(whole, content)
  }
  for (const [path, mode] of Object.entries(modes)) chmodSync(join(root, path), mode)
  return root
}
