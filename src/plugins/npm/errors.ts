/** What can go wrong with plugins that npm installs. */
import { CoracleError, type CoracleErrorOptions } from '../../errors.ts'

export class PluginIndexBroken extends CoracleError {
  override readonly code = 'PLUGIN_INDEX_BROKEN'
  constructor(path: string, options?: ErrorOptions) {
    super(`${path}, which lists npm plugins, cannot be read`, { ...options, hint: 'coracle plugins reset' })
  }
}

/** npm, or git on its behalf, did not do what it was asked. */
export class NpmFailed extends CoracleError {
  override readonly code = 'NPM_FAILED'
  override readonly status = 502
}

/** The code of an npm plugin threw, answered nonsense, or did not answer. */
export class PluginFailed extends CoracleError {
  override readonly code = 'PLUGIN_FAILED'
  /** @param what - `the backend bwrap of coracle-plugin-bwrap` */
  constructor(what: string, reason: string, options?: CoracleErrorOptions) {
    super(`${what}: ${reason}`, options)
  }
}

/** Two plugins that would have the same word. */
export class PluginsClash extends CoracleError {
  override readonly code = 'PLUGINS_CLASH'
  override readonly status = 409
  constructor(plugin: string, other: string, what: string) {
    super(`${plugin} and ${other}, which is installed, both have ${what}`, {
      hint: `only one of them can be installed: coracle plugins uninstall ${other}`,
    })
  }
}
