/**
 * Bytes of the instructions that exit with a length, in their shortest encoding in 64-bit mode with operands in
 * registers, or in memory by one register: a scenario has no machine code. SDM Vol. 3, "Information for VM Exits Due to
 * Instruction Execution".
 */
export const INSTRUCTION_LENGTH = {
  /** 0F A2 */
  cpuid: 2,
  /** F4 */
  hlt: 1,
  /** 0F 01 /7 */
  invlpg: 3,
  /** 0F 01 C1 */
  vmcall: 3,
  /** 0F 01 D4 */
  vmfunc: 3,
  /** 66 0F C7 /6 */
  vmclear: 4,
  /** 0F C7 /6 */
  vmptrld: 3,
  /** 0F 78 /r, 0F 79 /r */
  vmreadVmwrite: 3,
  /** 0F 01 C2, 0F 01 C3 */
  vmlaunchVmresume: 3,
  /** 66 0F 38 80 /r, 66 0F 38 81 /r */
  inveptInvvpid: 5,
  /** 0F 01 /0, 0F 01 /1, 0F 00 /0, 0F 00 /1 */
  storeTable: 3,
  /** 0F 01 /4 */
  smsw: 3,
  /** 0F 20 /r, 0F 22 /r */
  movCr: 3,
  /** EC to EF: the port is in DX. */
  io: 1,
  /** 66 before them */
  ioOf16Bits: 2,
  /** 0F 32, 0F 30 */
  msr: 2,
  /** 66 0F 38 82 /r */
  invpcid: 5,
  /** CD ib */
  intn: 2,
  /** CF, outside 64-bit mode, where alone tasks are switched. */
  iret: 1,
  /** 0F 01 DF */
  invlpga: 3,
  /** 0F 01 D8 */
  vmrun: 3,
} as const;
