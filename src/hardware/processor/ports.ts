/** A device that answers at I/O ports. Values are unsigned, of `size` bytes. */
export interface PortDevice {
  read(port: number, size: number): number;
  write(port: number, size: number, value: number): void;
}

/** The I/O address space of a machine: where no device answers, IN finds ones and OUT goes nowhere. */
export class Ports {
  private readonly devices: { readonly first: number; readonly last: number; readonly device: PortDevice }[] = [];

  /** `device` answers at ports `first` to `last`. */
  attach(first: number, last: number, device: PortDevice): void {
    this.devices.push({ first, last, device });
  }

  /** An access that no one device takes whole finds none. SDM Vol. 1, "I/O Port Addressing". */
  deviceAt(port: number, size: number): PortDevice | undefined {
    return this.devices.find(({ first, last }) => port >= first && port + size - 1 <= last)?.device;
  }
}
