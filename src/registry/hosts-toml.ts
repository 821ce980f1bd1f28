/** The subset of TOML that containerd's hosts.toml uses: `[host."URL"]` tables with texts, booleans and lists of texts. */

export interface MirrorHost {
  readonly url: string
  readonly capabilities: readonly string[]
  readonly skipVerify: boolean
}

const ALL = ['pull', 'resolve', 'push']

/** Lines it does not understand are another program's business. */
export function parseHostsToml(text: string): readonly MirrorHost[] {
  const hosts: { url: string; capabilities: readonly string[]; skipVerify: boolean }[] = []
  let current: (typeof hosts)[number] | undefined
  for (const line of text.split('\n').map((raw) => raw.replace(/(^|\s)#.*$/, '').trim())) {
    const table = /^\[(.*)\]$/.exec(line)
    if (table !== null) {
      const url = /^host\."([^"]+)"$/.exec(table[1] ?? '')?.[1]
      current = url !== undefined && URL.canParse(url) ? { url, capabilities: ALL, skipVerify: false } : undefined
      if (current !== undefined) hosts.push(current)
      continue
    }
    const [, key, value = ''] = /^([A-Za-z_]+)\s*=\s*(.+)$/.exec(line) ?? []
    if (current === undefined) continue
    if (key === 'capabilities') current.capabilities = [...value.matchAll(/"([^"]*)"/g)].map(([, word = '']) => word)
    if (key === 'skip_verify') current.skipVerify = value === 'true'
  }
  return hosts
}
