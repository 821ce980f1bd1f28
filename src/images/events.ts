/** Events of images, with the attributes docker gives them. */
import { type Database, transaction } from '../state/database.ts'
import { insertEvent } from '../state/events.ts'
import type { ImageRecord } from './records.ts'

/** `pull` and `push` are told by name (`tellTransfer`), because that is what they were asked for. */
export type ImageAction = 'tag' | 'untag' | 'delete' | 'import' | 'load' | 'save'

export interface ImageNews {
  readonly action: ImageAction
  readonly image: Pick<ImageRecord, 'id' | 'labels'>
  /** As users write it; the id where there is none. */
  readonly name: string
}

/** Within a write transaction. */
export function insertImageEvent(database: Database, { action, image: { id, labels }, name }: ImageNews): void {
  insertEvent(database, { type: 'image', action, actor: id, attributes: { ...labels, name } })
}

/** For what happens without a change of names. */
export function logImageEvent(database: Database, news: ImageNews): void {
  transaction(database, () => insertImageEvent(database, news))
}
