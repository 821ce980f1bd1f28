/** `--link`: a layer that is made without a look at what it stands on, and is taken over to whatever that has become. */
import type { StackedLayer } from '../../images/building.ts'

/** Names of users are those of the image that the files go to: with them the layer depends on what is below after all. */
export function isIndependent(link: boolean, chown: string | undefined): boolean {
  return link && /^(?:\d+(?::\d+)?)?$/.test(chown ?? '')
}

/** What of the layers below counts for the key of a step. */
export function baseOf(layers: readonly StackedLayer[], independent: boolean): string {
  return independent ? 'link' : (layers.at(-1)?.chainID ?? '')
}
