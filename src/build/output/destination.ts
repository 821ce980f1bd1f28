/** A file of the user's that an output goes to. */
import { openOutputFile } from '../../ui/streams.ts'
import { hostPath } from '../parse-request.ts'

/** @param dest - `-`: standard output */
export async function writing(
  stdout: NodeJS.WritableStream | undefined,
  dest: string,
  work: (output: NodeJS.WritableStream) => Promise<unknown>,
): Promise<void> {
  if (dest === '-') {
    await work(stdout ?? process.stdout)
    return
  }
  await using file = await openOutputFile(hostPath(dest), 0o666)
  await work(file.stream)
  await file.finish()
}
