import { lightenPulumi } from "../../components/shared/light-pulumi.ts";

lightenPulumi();
