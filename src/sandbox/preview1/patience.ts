/** Who may wait for what is not there yet: a module with one thread waits where it calls; one with several has its descriptors in a thread that waits for nobody. */

/** In place of waiting. Never seen by a module: the call is made again. */
export class WouldWait extends Error {
  constructor() {
    super('the call would wait')
    this.name = 'WouldWait'
  }
}
