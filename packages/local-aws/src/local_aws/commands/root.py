"""The Terraform root that a user names. Nothing is written into it but Terraform's lock file."""

import re
from pathlib import Path

from local_aws.settings import Settings
from local_aws.supervisor.ready import StackError
from local_aws.terraform.local_root import LocalRoot
from local_aws.terraform.record import Record

_BACKEND = re.compile(r'^\s*(?:backend\s+"(?!local")(?P<kind>\w+)"|cloud\s*\{)', re.MULTILINE)
_DEFAULT_REGION = "us-east-1"


class Root(LocalRoot):
    """A root that is applied where it lies; its state is in the state folder of the local AWS."""

    def __init__(self, settings: Settings) -> None:
        record = Record.of(settings, settings.terraform_state)
        super().__init__(settings, settings.root, record)
        self.state_options = (f"-state={record.state}",)

    def check(self) -> None:
        """Raise StackError for a folder that cannot be applied here."""
        files = sorted(self.folder.glob("*.tf"))
        if not files:
            raise StackError(
                f"{self.folder} has no .tf file. Name the folder of a Terraform root: --root FOLDER"
            )
        for file in files:
            if found := _BACKEND.search(file.read_text()):
                raise StackError(
                    f"{file.name} has the backend {found['kind'] or 'cloud'}, but `local-aws up` keeps"
                    " the state on this machine. Start the services alone with `local-aws up`, then"
                    ' apply the root yourself: eval "$(local-aws env)" && terraform apply'
                )

    def init(self) -> None:
        """Run `terraform init`."""
        self.folder_of_data.mkdir(parents=True, exist_ok=True)
        self.run("init", "-input=false", "-no-color")

    @property
    def folder_of_data(self) -> Path:
        """Return Terraform's data folder, which is not the `.terraform` of a real deploy."""
        return self.settings.state / "terraform" / "data"

    def environment(self) -> dict[str, str]:
        region = {"AWS_REGION": _DEFAULT_REGION}  # the region, if the provider block names none
        return region | super().environment() | {"TF_DATA_DIR": str(self.folder_of_data)}
