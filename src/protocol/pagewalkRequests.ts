import type { BREAKPOINT_REQUEST, BreakpointNamesResponse } from './breakpointRequests';
import type {
  ExitArguments, LastWriteArguments, MomentsResponse, MOTION_REQUEST, ReverseStepOutArguments, ReverseToCursorArguments, SeekArguments,
} from './motionRequests';
import type { REQUEST, TablesArguments, TablesResponse, WalkArguments, WalkResponse, WriterArguments, WriterResponse } from './requests';

/** A request without arguments, or an answer without a body. */
type Nothing = Readonly<Record<string, never>>;

/** What each request of Pagewalk's own takes and gives: `docs/protocol.md` is written from here. */
export interface PagewalkRequests {
  /** The table trees: the roots of a space, or the entries of a table that are not zero. */
  [REQUEST.tables]: { arguments: TablesArguments; response: TablesResponse };
  /** The walks of the access that ran last, or runs, drawn from its events. */
  [REQUEST.walk]: { arguments: WalkArguments; response: WalkResponse };
  /** Who made the memory at an address what it is: statement, listing line or processor, and when. Nothing moves. */
  [REQUEST.writer]: { arguments: WriterArguments; response: WriterResponse };
  /** Back to where the top frame was begun. */
  [MOTION_REQUEST.reverseStepOut]: { arguments: ReverseStepOutArguments; response: Nothing };
  /** On to the next VM exit. */
  [MOTION_REQUEST.nextExit]: { arguments: ExitArguments; response: Nothing };
  /** Back to the previous VM exit. */
  [MOTION_REQUEST.previousExit]: { arguments: ExitArguments; response: Nothing };
  /** Back to the last write of memory. */
  [MOTION_REQUEST.lastWrite]: { arguments: LastWriteArguments; response: Nothing };
  /** To any moment. */
  [MOTION_REQUEST.seek]: { arguments: SeekArguments; response: Nothing };
  /** Back to where a line was passed last. */
  [MOTION_REQUEST.reverseToCursor]: { arguments: ReverseToCursorArguments; response: Nothing };
  /** Every name that a function breakpoint can have in the launched scenario. */
  [BREAKPOINT_REQUEST.names]: { arguments: Nothing; response: BreakpointNamesResponse };
  /** Where in the run one stands, and how far history reaches. */
  [MOTION_REQUEST.moments]: { arguments: Nothing; response: MomentsResponse };
}

type RequestName = (typeof REQUEST)[keyof typeof REQUEST] | (typeof MOTION_REQUEST)[keyof typeof MOTION_REQUEST] | (typeof BREAKPOINT_REQUEST)[keyof typeof BREAKPOINT_REQUEST];

/** A request that is missing above is a type error here. */
export type PagewalkMessage<Name extends RequestName = RequestName> = PagewalkRequests[Name];
