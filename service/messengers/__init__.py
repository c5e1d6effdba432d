"""How notices leave the house: mail, and the group robots of WeCom, DingTalk and Feishu. Knows no table."""
