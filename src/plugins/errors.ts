/** What can go wrong with plugins, in the user's words. */
import { CoracleError } from '../errors.ts'

export class PluginNotFound extends CoracleError {
  override readonly code = 'PLUGIN_NOT_FOUND'
  override readonly status = 404
  constructor(name: string) {
    super(`no such plugin: ${name}`, { hint: 'see what is installed: coracle plugins' })
  }
}

export class PluginExists extends CoracleError {
  override readonly code = 'PLUGIN_EXISTS'
  override readonly status = 409
  constructor(name: string) {
    super(`there is a plugin ${name} already`, {
      hint: `coracle plugins update ${name}, or coracle plugins uninstall ${name} first`,
    })
  }
}

export class PluginNameTaken extends CoracleError {
  override readonly code = 'PLUGIN_NAME_TAKEN'
  override readonly status = 409
  constructor(name: string) {
    super(`'${name}' is a command of Coracle itself, and no plugin may take its place`, {
      hint: 'give it another name: coracle plugins add --name NAME FILE',
    })
  }
}

/** The file is no plugin, or declares what makes no sense. */
export class PluginInvalid extends CoracleError {
  override readonly code = 'PLUGIN_INVALID'
  override readonly status = 400
  constructor(file: string, reason: string, options: ErrorOptions & { readonly hint?: string } = {}) {
    super(`${file} is not a plugin that can be used: ${reason}`, options)
  }
}

/** What lies in the store is not what was installed. */
export class PluginBroken extends CoracleError {
  override readonly code = 'PLUGIN_BROKEN'
  constructor(name: string, reason: string, options?: ErrorOptions) {
    super(`the plugin ${name} is broken: ${reason}`, {
      ...options,
      hint: `coracle plugins uninstall ${name}, and add it again`,
    })
  }
}

export class ContractMismatch extends CoracleError {
  override readonly code = 'PLUGIN_CONTRACT_MISMATCH'
  override readonly status = 409
}

export class PermissionsNeeded extends CoracleError {
  override readonly code = 'PLUGIN_PERMISSIONS_NEEDED'
  override readonly status = 403
}

/** A plugin did not keep to the protocol, or to its time. */
export class PluginMisbehaved extends CoracleError {
  override readonly code = 'PLUGIN_MISBEHAVED'
}

/** What was fetched is not what was asked for, or asked for before. */
export class PluginDigestMismatch extends CoracleError {
  override readonly code = 'PLUGIN_DIGEST_MISMATCH'
  override readonly status = 409
  constructor(origin: string, expected: string, found: string) {
    super(`${origin} is not ${expected}: it has the digest ${found}`, { hint: 'nothing was installed' })
  }
}

/** Nobody has said yet that this very content is meant. */
export class PluginDigestNeeded extends CoracleError {
  override readonly code = 'PLUGIN_DIGEST_NEEDED'
  override readonly status = 403
  constructor(origin: string, digest: string) {
    super(`nobody has confirmed what ${origin} is: it has the digest ${digest}`, {
      hint: `there is no terminal to ask at: if that is what you mean, add --digest ${digest}`,
    })
  }
}

/** Somebody else was at it while the user was asked. */
export class PluginChanged extends CoracleError {
  override readonly code = 'PLUGIN_CHANGED'
  override readonly status = 409
  constructor(name: string) {
    super(`the plugin ${name} was changed, or lost permissions, meanwhile`, {
      hint: `nothing was installed: see coracle plugins inspect ${name}, and try again`,
    })
  }
}

/** Of `plugins revoke`: silence would pass for success. */
export class PermissionNotGranted extends CoracleError {
  override readonly code = 'PLUGIN_PERMISSION_NOT_GRANTED'
  override readonly status = 404
  constructor(name: string, words: readonly string[], granted: readonly string[]) {
    super(`${name} was not granted ${words.join(', ')}`, {
      hint: granted.length === 0 ? 'it was granted nothing' : `it was granted ${granted.join(', ')}`,
    })
  }
}
