/** Brings a database to this version's schema. `PRAGMA user_version` counts the migrations already applied. */
import type { DatabaseSync } from 'node:sqlite'
import { CoracleError } from '../errors.ts'
import { imagesSchema } from './migrations/0001-images.ts'
import { containersSchema } from './migrations/0002-containers.ts'
import { lifeSchema } from './migrations/0003-life.ts'
import { volumesSchema } from './migrations/0004-volumes.ts'
import { networksSchema } from './migrations/0005-networks.ts'
import { networkDriversSchema } from './migrations/0006-network-drivers.ts'
import { buildSchema } from './migrations/0007-build.ts'
import { compressedLayersSchema } from './migrations/0008-compressed-layers.ts'
import { imageIndexesSchema } from './migrations/0009-image-indexes.ts'
import { buildSourcesSchema } from './migrations/0010-build-sources.ts'
import { imageDocumentsSchema } from './migrations/0011-image-documents.ts'

/** In order; a released entry never changes, a new one is appended. */
const MIGRATIONS: readonly string[] = [
  imagesSchema,
  containersSchema,
  lifeSchema,
  volumesSchema,
  networksSchema,
  networkDriversSchema,
  buildSchema,
  compressedLayersSchema,
  imageIndexesSchema,
  buildSourcesSchema,
  imageDocumentsSchema,
]

export class StateTooNew extends CoracleError {
  override readonly code = 'STATE_TOO_NEW'
  constructor(found: number, known: number) {
    super(`the state database has schema ${found}, this Coracle knows only ${known}`, {
      hint: 'upgrade Coracle, or point CORACLE_ROOT at another directory',
    })
  }
}

export function migrate(database: DatabaseSync, migrations: readonly string[] = MIGRATIONS): void {
  if (readVersion(database) === migrations.length) return
  database.exec('BEGIN IMMEDIATE') // two first starts at once: the second one finds the work done
  try {
    const version = readVersion(database)
    if (version > migrations.length) throw new StateTooNew(version, migrations.length)
    for (const sql of migrations.slice(version)) database.exec(sql)
    database.exec(`PRAGMA user_version = ${migrations.length}`)
    database.exec('COMMIT')
  } catch (error) {
    database.exec('ROLLBACK')
    throw error
  }
}

function readVersion(database: DatabaseSync): number {
  const row = database.prepare('PRAGMA user_version').get() as { user_version: number }
  return row.user_version
}
