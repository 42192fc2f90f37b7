import { paintFor as paintOf, type Paint } from '../adapter/tones';
import type { Terminal } from './console';

/** How text is coloured on this terminal: not at all where nobody could see it. */
export function paintFor({ colours }: Terminal): Paint {
  return paintOf({ showsColours: colours === 'yes' });
}
