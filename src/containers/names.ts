/** Names for containers that got none: a manner and a thing of rivers and boats. */
import { randomBelow } from '../util/random.ts'

const MANNERS =
  `agile amber brave breezy bright brisk calm candid cheery clever cosy curious dapper deft drifting eager easy fair
fleet fond gentle glad golden happy hardy hasty honest humble jolly keen kind lively loyal lucky mellow merry misty
neat nimble noble patient placid plucky proud quick quiet ready rosy rustic sandy serene silent silver sleek snug
sober spry steady still sturdy sunny supple swift tame tidy tranquil trusty upbeat vivid wandering warm wild witty
zesty`.split(/\s+/)

const THINGS =
  `anchor barge bay beacon bittern bollard brook buoy canal catkin coot cove creek current delta dinghy dipper dory
eddy estuary ferry fjord ford gull harbour heron inlet isle jetty keel kingfisher lagoon lantern ledge lighthouse lock
mallard marsh meadow mooring oar otter paddle pebble pier pike pond pool quay raft rapids reach reed reef ripple rudder
rush sail salmon sandbar shallows shoal shore skiff sluice spring stream sturgeon swan tern tide tiller trout wake weir
wharf wherry willow`.split(/\s+/)

/** A fresh name, not checked against those in use. From the third attempt on a number makes it unlikely to be taken. */
export function generateName(attempt = 0): string {
  const name = `${pick(MANNERS)}_${pick(THINGS)}`
  return attempt < 2 ? name : `${name}${randomBelow(10 ** Math.min(attempt, 9))}`
}

function pick(words: readonly string[]): string {
  return words[randomBelow(words.length)] ?? 'calm'
}
