/** The subset of TOML that containerd's hosts.toml uses: `[host."URL"]` tables with texts, booleans and lists of texts. */

export interface MirrorHost {
  readonly url: string
  readonly capabilities: readonly string[]
  readonly skipVerify: boolean
  /** The URL is the whole path of the API already; `/v2` is not appended. */
  readonly overridePath: boolean
}

const ALL = ['pull', 'resolve', 'push']

/** Lines it does not understand are another program's business. */
export function parseHostsToml(text: string): readonly MirrorHost[] {
  const lines = text.split('\n').map((raw) => raw.replace(/(^|\s)#.*$/, '').trim())
  const starts = lines.flatMap((line, index) => (line.startsWith('[') ? [index] : []))
  return starts.flatMap((start, index) => {
    const url = /^\[host\."(https?:[^"]+)"\]$/.exec(lines[start] ?? '')?.[1]
    return url !== undefined && URL.canParse(url) ? [readHost(url, lines.slice(start + 1, starts[index + 1]))] : []
  })
}

function readHost(url: string, lines: readonly string[]): MirrorHost {
  const text = lines.join('\n')
  const isTrue = (key: string) => new RegExp(`^${key}\\s*=\\s*true$`, 'm').test(text)
  const capabilities = /^capabilities\s*=\s*\[([^\]]*)\]/m.exec(text)?.[1] // a list may go over several lines
  return {
    url,
    capabilities:
      capabilities === undefined ? ALL : [...capabilities.matchAll(/["']([a-z]*)["']/g)].map(([, word = '']) => word),
    skipVerify: isTrue('skip_verify'),
    overridePath: isTrue('override_path'),
  }
}
