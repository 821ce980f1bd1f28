/** Credential helpers of npm plugins: programs for Node, spoken to as docker speaks to `docker-credential-NAME`. */
import type { Paths } from '../../paths.ts'
import { checkPlugin } from './describe.ts'
import { findExtension } from './extension.ts'

/** What starts it; the verb comes behind. undefined: no plugin brings one of that name. @throws {ContractMismatch} */
export function helperWords(paths: Paths, name: string): readonly string[] | undefined {
  const extension = findExtension(paths, 'credentialHelpers', name)
  if (extension === undefined) return undefined
  checkPlugin(extension.plugin)
  return [process.execPath, extension.path]
}
