/** Rows for plugins: the contract's, which are docker's, made of our own, which may change. */
import type { ContainerSummary } from '../containers/types.ts'
import type { ImageSummary } from '../images/types.ts'
import { familiarName, parseReference } from '../oci/reference.ts'
import type { ListedContainer, ListedImage } from '../plugins/plugin.ts'

export function listedImage(image: ImageSummary): ListedImage {
  return {
    Id: image.id,
    RepoTags: image.tags.map(familiar),
    RepoDigests: image.digests.map(familiar),
    Created: seconds(image.createdAtMs),
    Size: image.sizeBytes,
    Labels: image.labels,
    Containers: image.containers,
  }
}

export function listedContainer(container: ContainerSummary): ListedContainer {
  const { state } = container
  return {
    Id: container.id,
    Names: [`/${container.name}`],
    Image: container.imageName,
    ImageID: container.image ?? '',
    Command: container.command,
    Created: seconds(container.createdAtMs),
    // Docker knows no moments between the states.
    State: state === 'starting' ? 'created' : state === 'stopping' ? 'running' : state,
    Labels: container.labels,
  }
}

const familiar = (canonical: string): string => familiarName(parseReference(canonical))
const seconds = (ms: number): number => Math.floor(ms / 1000)
