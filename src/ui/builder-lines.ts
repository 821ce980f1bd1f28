/** `buildx ls` and `buildx inspect`: of the one builder that there is. */

import { InvalidArgument } from '../errors.ts'
import type { Row } from './format-rows.ts'

const NAME = 'default'

export const BUILDER_HEADINGS = {
  Name: 'NAME/NODE',
  DriverEndpoint: 'DRIVER/ENDPOINT',
  Status: 'STATUS',
  Buildkit: 'BUILDKIT',
  Platforms: 'PLATFORMS',
}
export const BUILDER_COLUMNS = Object.keys(BUILDER_HEADINGS)

/** As buildx has it: a line for the builder, which is the current one, and one for its node. */
export function builderRows(platforms: readonly string[], version: string): readonly Row[] {
  const node = { Status: 'running', Buildkit: version, Platforms: platforms.join(', ') }
  return [
    { Name: `${NAME}*`, DriverEndpoint: 'coracle', Status: '', Buildkit: '', Platforms: '' },
    { Name: ` \\_ ${NAME}`, DriverEndpoint: ` \\_ ${NAME}`, ...node },
  ]
}

export function builderLines(platforms: readonly string[], version: string): readonly string[] {
  return [
    `Name:   ${NAME}`,
    'Driver: coracle',
    '',
    'Nodes:',
    `Name:             ${NAME}`,
    `Endpoint:         ${NAME}`,
    'Status:           running',
    `BuildKit version: ${version}`,
    `Platforms:        ${platforms.join(', ')}`,
  ]
}

/** @throws {InvalidArgument} another one */
export function checkBuilder(name: string | undefined): void {
  if (name === undefined || name === '' || name === NAME) return
  throw new InvalidArgument(`no builder ${JSON.stringify(name)} found`, {
    hint: `there is one, without a daemon: ${NAME}`,
  })
}
