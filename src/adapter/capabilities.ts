import type { DebugProtocol } from '@vscode/debugprotocol';
import { breakpointModes } from './breakpoints/breakpointModes';
import { exceptionFilters } from './breakpoints/exceptionFilters';

/** What the adapter can do. A test holds that each `true` has a handler and a test of its own. */
export const capabilities = {
  supportsConfigurationDoneRequest: true,
  supportsConditionalBreakpoints: true,
  supportsHitConditionalBreakpoints: true,
  supportsLogPoints: true,
  supportsFunctionBreakpoints: true,
  supportsDataBreakpoints: true,
  supportsDataBreakpointBytes: true,
  supportsExceptionFilterOptions: true,
  supportsExceptionInfoRequest: true,
  supportsStepBack: true,
  supportsSteppingGranularity: true,
  supportsSingleThreadExecutionRequests: true,
  supportsEvaluateForHovers: true,
  supportsClipboardContext: true,
  supportsValueFormattingOptions: true,
  supportsCompletionsRequest: true,
  completionTriggerCharacters: ['.'],
  supportsReadMemoryRequest: true,
  supportsWriteMemoryRequest: true,
  supportsSetVariable: true,
  supportsSetExpression: true,
  supportsDelayedStackTraceLoading: true,
  supportsLoadedSourcesRequest: true,
  supportsBreakpointLocationsRequest: true,
  supportsRestartRequest: true,
  supportsRestartFrame: true,
  supportsGotoTargetsRequest: true,
  supportsTerminateRequest: true,
  breakpointModes: [...breakpointModes],
  exceptionBreakpointFilters: exceptionFilters.map(({ id, label, description, isDefault, example }) => ({
    filter: id,
    label,
    description,
    default: isDefault,
    supportsCondition: true,
    conditionDescription: `for example ${example}`,
  })),
} as const satisfies DebugProtocol.Capabilities;
