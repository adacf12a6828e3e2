"""The made-up names of the demo data: nobody and nothing real. Used by ``cti.store.demo`` only."""

from __future__ import annotations

AGENTS = ["坐席一 Demo", "坐席二 Demo", "坐席三 Demo", "坐席四 Demo", "坐席五 Demo"]

SURNAMES = list("王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧")

GIVEN = [
    ("伟", "male"),
    ("芳", "female"),
    ("娜", "female"),
    ("敏", "female"),
    ("静", "female"),
    ("强", "male"),
    ("磊", "male"),
    ("洋", "male"),
    ("艳", "female"),
    ("勇", "male"),
    ("秀英", "female"),
    ("建国", "male"),
    ("丽丽", "female"),
    ("小明", "male"),
    ("海燕", "female"),
    ("志强", "male"),
    ("春梅", "female"),
    ("文博", "male"),
    ("雨桐", "female"),
    ("子轩", "male"),
]

CITIES = [
    ("北京市海淀区", "100080"),
    ("北京市朝阳区", "100020"),
    ("上海市浦东新区", "200120"),
    ("上海市徐汇区", "200030"),
    ("广东省广州市天河区", "510630"),
    ("广东省深圳市南山区", "518052"),
    ("浙江省杭州市西湖区", "310012"),
    ("江苏省南京市鼓楼区", "210009"),
    ("四川省成都市武侯区", "610041"),
    ("湖北省武汉市洪山区", "430070"),
    ("陕西省西安市雁塔区", "710061"),
    ("山东省青岛市市南区", "266071"),
]

SOURCES = ["tv", "web", "phone", "friend"]
CATEGORIES = ["person", "company"]
LEVELS = ["normal", "silver", "gold"]

PRODUCTS = [
    ("演示电饭煲", "Demo rice cooker", "299.00"),
    ("演示豆浆机", "Demo soymilk maker", "349.00"),
    ("演示空气炸锅", "Demo air fryer", "399.00"),
    ("演示电热水壶", "Demo kettle", "89.90"),
    ("演示榨汁机", "Demo juicer", "159.00"),
    ("演示吸尘器", "Demo vacuum cleaner", "599.00"),
    ("演示加湿器", "Demo humidifier", "129.00"),
    ("演示电风扇", "Demo fan", "179.00"),
    ("演示按摩椅垫", "Demo massage cushion", "459.00"),
    ("演示血压计", "Demo blood pressure monitor", "219.00"),
    ("演示体重秤", "Demo scale", "79.00"),
    ("演示台灯", "Demo desk lamp", "99.00"),
    ("演示保温杯", "Demo thermos", "69.00"),
    ("演示炒锅", "Demo wok", "189.00"),
    ("演示刀具套装", "Demo knife set", "239.00"),
    ("演示四件套", "Demo bedding set", "329.00"),
    ("演示蚕丝被", "Demo silk quilt", "699.00"),
    ("演示乳胶枕", "Demo latex pillow", "199.00"),
    ("演示羽绒服", "Demo down jacket", "549.00"),
    ("演示运动鞋", "Demo trainers", "269.00"),
    ("演示行李箱", "Demo suitcase", "359.00"),
    ("演示茶具", "Demo tea set", "149.00"),
    ("演示龙井茶", "Demo longjing tea", "168.00"),
    ("演示蜂蜜", "Demo honey", "58.50"),
    ("演示坚果礼盒", "Demo nut box", "118.00"),
    ("演示大米十公斤", "Demo rice, 10 kg", "86.00"),
    ("演示橄榄油", "Demo olive oil", "128.00"),
    ("演示面膜", "Demo face mask", "99.90"),
    ("演示牙刷", "Demo electric toothbrush", "199.00"),
    ("演示学习机", "Demo learning tablet", "1299.00"),
]

CATEGORIES_OF_PRODUCTS = [
    (5, "厨房电器", "台"),
    (8, "家居电器", "台"),
    (12, "健康", "件"),
    (15, "厨房用品", "件"),
    (18, "床品", "件"),
    (21, "服饰", "件"),
    (27, "食品", "份"),
    (30, "个人护理", "件"),
]
"""Up to which of the products a category and a unit go."""
