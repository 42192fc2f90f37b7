import { fork, type ChildProcess } from 'node:child_process';
import { judgePrograms, type Failure, type Order } from './judgePrograms';

/** How many programs a process is given at a time. */
const SHARE = 100;

/** What a process answers to an `Order`. */
interface Answer {
  readonly failure?: Failure;
  /** Programs could not be judged at all. */
  readonly error?: string;
}

/**
 * Shares programs out among so many processes of the program that runs. `said` is told how many agree of those without a gap from the
 * first. Of several failures the lowest is given of those that came.
 */
export async function judgeInProcesses(order: Order, jobs: number, said: (done: number) => void): Promise<Failure | undefined> {
  const { first, programs } = order;
  const shares = Math.ceil(programs / SHARE);
  const isDone = new Uint8Array(shares);
  const failures: Failure[] = [];
  let next = 0;
  let contiguous = 0;
  const work = async (child: ChildProcess): Promise<void> => {
    while (next < shares && failures.length === 0) {
      const share = next++;
      const begin = share * SHARE;
      const { failure, error } = await answerOf(child, { ...order, first: first + begin, programs: Math.min(SHARE, programs - begin) });
      if (error !== undefined) throw new Error(error);
      if (failure !== undefined) failures.push(failure);
      else isDone[share] = 1;
      while (contiguous < shares && isDone[contiguous] === 1) contiguous++;
      said(Math.min(programs, contiguous * SHARE));
    }
  };
  const children = Array.from({ length: Math.min(jobs, shares) }, () => fork(process.argv[1]!));
  try {
    await Promise.all(children.map(work));
  } finally {
    for (const child of children) child.disconnect();
  }
  return failures.sort((a, b) => a.index - b.index)[0];
}

async function answerOf(child: ChildProcess, order: Order): Promise<Answer> {
  return await new Promise((resolve, reject) => {
    const gone = (status: number | null): void => { reject(new Error(`a process that judged programs has ended with status ${status ?? 'of a signal'}`)); };
    child.once('exit', gone);
    child.once('message', (answer: Answer) => {
      child.off('exit', gone);
      resolve(answer);
    });
    child.send(order);
  });
}

/** The other side: judges what comes, until nobody is there any more. */
export function judgeWhatComes(): void {
  process.on('message', (order: Order) => {
    let answer: Answer;
    try {
      const failure = judgePrograms(order);
      answer = failure === undefined ? {} : { failure };
    } catch (error) {
      answer = { error: error instanceof Error ? error.message : String(error) };
    }
    process.send?.(answer);
  });
}
