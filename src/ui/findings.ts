/** What `system check` found, for people. */
interface Finding {
  readonly kind: string
  readonly subject: string
  readonly problem: string
  readonly repair: string | undefined
  readonly repaired: boolean
}

interface Report {
  readonly checked: Readonly<Record<'blobs' | 'snapshots' | 'images' | 'containers' | 'files', number>>
  readonly findings: readonly Finding[]
}

export function formatFindings({ checked, findings }: Report): readonly string[] {
  const { images, blobs, snapshots, files, containers } = checked
  const left = findings.filter(({ repaired }) => !repaired)
  const mendable = left.filter(({ repair }) => repair !== undefined)
  return [
    ...findings.map(findingLine),
    `Checked ${count(images, 'image')}, ${count(blobs, 'blob')}, ${count(snapshots, 'snapshot')} (${count(files, 'file')}), ${count(containers, 'container')}: ${verdict(findings.length, left.length)}`,
    ...(mendable.length > 0 ? ['To mend: coracle system check --repair'] : []),
  ]
}

function findingLine({ kind, subject, problem, repair, repaired }: Finding): string {
  const words = repair === undefined ? '' : repaired ? ` [${repair}]` : ` [repair: ${repair}]`
  return `${kind}: ${subject}: ${problem}${words}`
}

function verdict(found: number, left: number): string {
  if (found === 0) return 'all is well'
  const mended = found - left
  return [mended > 0 ? `${mended} mended` : '', left > 0 ? `${count(left, 'problem')} left` : '']
    .filter(Boolean)
    .join(', ')
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
