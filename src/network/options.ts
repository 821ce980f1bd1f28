/** `--opt` and `--label`: what they say, and what of it means something here. */
import { InvalidArgument } from '../errors.ts'
import { parseAddress } from './cidr.ts'

const SWITCH = /^(?:true|false|1|0)$/

type Check = (text: string) => boolean
const isSwitch: Check = (text) => SWITCH.test(text)
const isNat: Check = (text) => text === 'nat'
const isAddress: Check = (text) => parseAddress(text)?.family === 4
/** What the kernel takes for a bridge (ETH_MIN_MTU, ETH_MAX_MTU). */
const isMtu: Check = (text) => /^[1-9]\d{1,4}$/.test(text) && Number(text) >= 68 && Number(text) <= 65_535

/** Options that mean something; others are kept and shown. */
const CHECKED: Readonly<Record<string, Check>> = {
  'com.docker.network.bridge.enable_icc': isSwitch,
  'com.docker.network.bridge.enable_ip_masquerade': isSwitch,
  'com.docker.network.bridge.host_binding_ipv4': isAddress,
  'com.docker.network.driver.mtu': isMtu,
  'coracle.publish.input': isSwitch,
  // Whose containers others may reach without anything published: that is what these rules are against.
  'com.docker.network.bridge.gateway_mode_ipv4': isNat,
  'com.docker.network.bridge.gateway_mode_ipv6': isNat,
}

/** @throws {InvalidArgument} */
export function parseOptions(entries: readonly string[], flag: 'opt' | 'label'): Record<string, string> {
  return Object.fromEntries(
    entries.map((entry) => {
      const [key = '', ...value] = entry.split('=')
      if (key === '') throw new InvalidArgument(`invalid ${flag} format: "${entry}"`)
      const text = value.join('=')
      const check = flag === 'opt' && Object.hasOwn(CHECKED, key) ? CHECKED[key] : undefined
      if (check?.(text) === false)
        throw new InvalidArgument(`invalid value for network option ${key}: ${JSON.stringify(text)}`)
      return [key, text]
    }),
  )
}

export function isOn(options: Readonly<Record<string, string>>, name: 'enable_icc' | 'enable_ip_masquerade'): boolean {
  const value = options[`com.docker.network.bridge.${name}`]
  return value !== 'false' && value !== '0'
}

/** Published ports pass the host's rules for `input`, where nobody says otherwise where there are any. */
export function obeysInput(
  options: Readonly<Record<string, string>>,
  env: NodeJS.ProcessEnv,
): boolean | 'where there are rules' {
  const value = options['coracle.publish.input'] ?? env['CORACLE_PUBLISH_INPUT'] ?? ''
  if (!SWITCH.test(value)) return 'where there are rules'
  return value === 'true' || value === '1'
}

/** undefined: the kernel's own */
export function mtuOf(options: Readonly<Record<string, string>>): number | undefined {
  const text = options['com.docker.network.driver.mtu']
  return text === undefined || text === '1500' ? undefined : Number(text)
}
