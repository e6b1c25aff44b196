/** What every section of the benchmark is told. */
export interface Settings {
  /** Folder of what is compiled, laid out as the source is. */
  compiled: string;
  /** How often everything is measured. The rounds of what is compared alternate. */
  rounds: number;
  /** One round, and of each axis only a part. */
  quick: boolean;
  /** Also what takes minutes. */
  long: boolean;
  /** Says what is being measured, for whoever waits. */
  say: (line: string) => void;
  /** Notes what was not measured, and why. */
  skip: (id: string, why: string) => void;
}
