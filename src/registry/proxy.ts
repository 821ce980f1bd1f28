/** Which proxy a request goes through, from the environment as curl and Go read it. */
import { isLoopback, matchesHost } from './networks.ts'

/** @returns the proxy's URL, or undefined for a direct connection */
export function proxyFor(url: URL, env: NodeJS.ProcessEnv = process.env): string | undefined {
  const read = (name: string) => env[name.toLowerCase()] || env[name.toUpperCase()] || undefined
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port
  // As in Go: a proxy elsewhere cannot reach what is on this machine, unless it is asked for by name.
  if (isLoopback(host) && env['CORACLE_PROXY_LOOPBACK'] === undefined) return undefined
  if (matchesHost((read('no_proxy') ?? '').split(','), host, port)) return undefined
  const proxy = url.protocol === 'https:' ? read('https_proxy') : read('http_proxy')
  return proxy === undefined || proxy.includes('://') ? proxy : `http://${proxy}`
}
