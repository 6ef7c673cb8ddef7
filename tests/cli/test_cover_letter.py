"""`ptlab run cover-letter`: every kB of the two numbers of the mail."""

from tests.support.command import ptlab


def test_the_cover_letter_accounts_for_every_kilobyte(capsys):
    status, out, _ = ptlab(capsys, "run", "cover-letter")
    words = " ".join(out.split())
    assert status == 0
    assert "13107200 13107200 13107200" in words
    assert "VmPTE in kB, simulated 102604 204 204" in words
    assert "VmPTE in kB, recorded on Linux 102604 (6.1) - 204 (6.18)" in words
    assert "VmPTE in kB, in the mail 102640 248 -" in words
    assert "102640 kB = 25600 PTE pages x 4 + 50 PMD pages x 4 + 1 PUD page x 4 + 36 kB" in words
    assert "248 kB = 0 PTE pages x 4 + 50 PMD pages x 4 + 1 PUD page x 4 + 44 kB" in words
    assert "20211110105428.32458-1-zhengqi.arch@bytedance.com" in words
