/** Signals that this command gets, passed on to the container. */
import { constants } from 'node:os'

/** As docker: all that can be caught but those a process gets for its own sake. */
const FORWARDED = (
  'SIGHUP SIGINT SIGQUIT SIGUSR1 SIGUSR2 SIGALRM SIGTERM SIGSTKFLT SIGCONT SIGTSTP SIGTTIN SIGTTOU SIGXCPU SIGXFSZ ' +
  'SIGVTALRM SIGIO SIGPWR SIGWINCH'
).split(' ') as NodeJS.Signals[]

export interface SignalProxy {
  /** Where signals go from now on; those that came before are delivered at once. */
  deliverTo(target: (signal: number) => void): void
  /** Gives the signals their usual meaning back. Idempotent. */
  [Symbol.dispose](): void
}

/**
 * Catches signals from now on.
 *
 * @param onEarly - told of a signal that comes before there is a container to pass it to
 */
export function openSignalProxy(onEarly: (signal: NodeJS.Signals) => void): SignalProxy {
  let deliver: ((signal: number) => void) | undefined
  const early: number[] = []
  const listener = (name: NodeJS.Signals) => {
    const signal = constants.signals[name]
    if (deliver !== undefined) deliver(signal)
    else {
      early.push(signal)
      onEarly(name)
    }
  }
  for (const name of FORWARDED) process.on(name, listener)
  return {
    deliverTo: (target) => {
      deliver = target
      for (const signal of early.splice(0)) target(signal)
    },
    [Symbol.dispose]: () => {
      for (const name of FORWARDED) process.off(name, listener)
    },
  }
}
