import { coloured, plain, type Paint } from '../adapter/tones';
import type { Terminal } from './console';

/** How text is coloured on this terminal: not at all where nobody could see it. */
export function paintFor(terminal: Terminal): Paint {
  return terminal.colours === 'no' ? plain : coloured;
}
