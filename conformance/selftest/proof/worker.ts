import "../../../proto/base64.js";
import { serveTasks } from "../support/pool.js";
import { examineFresh, type ProofResult, type Task } from "./examine.js";

serveTasks<Task, ProofResult>(examineFresh);
