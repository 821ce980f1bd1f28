/** What the container room answers. */

export interface ContainerEngine {
  /** Containers in any state that were made of the image with this id. */
  usersOf(imageId: string): readonly { readonly id: string; readonly name: string; readonly running: boolean }[]
}
