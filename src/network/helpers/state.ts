/** What a run of a container has of its helper: beside its sockets, so that it is gone with the run. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { readJson, replaceJson } from '../../util/json-file.ts'
import { isAlive } from '../../util/process-identity.ts'
import type { PublishedPort } from '../types.ts'
import type { HelperAddresses } from './types.ts'

export interface HelperState extends Pick<HelperAddresses, 'address' | 'prefix' | 'gateway'> {
  readonly ports: readonly PublishedPort[]
}

const FILE = 'network.json'
/** Of the native program (native/records.c). */
const RECORD = 'network-helper'

export function writeHelperState(directory: string, state: HelperState): void {
  replaceJson(join(directory, FILE), state)
}

/** @returns undefined when the container does not run */
export function readHelperState(directory: string): HelperState | undefined {
  return readJson(join(directory, FILE)) as HelperState | undefined
}

/**
 * Kills the program that a supervisor left behind when it was killed: what watches it may be slower, or dead too. What it
 * had is free when this resolves. Idempotent.
 */
export async function endHelper(directory: string): Promise<void> {
  const text = read(join(directory, RECORD)) ?? ''
  const number = (name: string) => Number(new RegExp(`^${name}=(\\d+)$`, 'm').exec(text)?.[1])
  const identity = { pid: number('helper'), startTime: number('helperStart') }
  if (!(identity.pid > 1 && isAlive(identity))) return
  kill(identity.pid)
  for (let look = 0; isAlive(identity) && look < MOST_LOOKS; look += 1) await sleep(1)
}

const MOST_LOOKS = 2000

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error // it has just ended
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
