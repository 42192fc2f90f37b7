import { nextTurn } from './nextTurn';

type Work = () => void;

/**
 * What follows the answer to a request: events that a client must not have before it, and the first slice of a motion. It is done
 * in the turn of the answer; where a handler waits for something, or none runs, in a later turn.
 */
export class BehindAnswer {
  private due: Work[] | undefined;

  /** By a handler, for the request that it handles. */
  add(work: Work): void {
    if (this.due === undefined) nextTurn(work);
    else this.due.push(work);
  }

  /** A handler begins, maybe within another one's event; gives what is to be handed to `leave`. */
  enter(): Work[] | undefined {
    const outer = this.due;
    this.due = [];
    return outer;
  }

  /** It has come back; gives what it wants done. */
  leave(outer: Work[] | undefined): readonly Work[] {
    const due = this.due ?? [];
    this.due = outer;
    return due;
  }
}
